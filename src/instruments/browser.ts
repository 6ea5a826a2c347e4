import type { BrowserContext, Browser as Chromium, Page } from 'playwright-core'
import { kindOf, launchChromium, type PageKind, walk } from '../browser/index.ts'
import { AssayError } from '../messages/index.ts'
import {
  type Browser,
  type PageAnswer,
  type PageRequest,
  type PageVisit,
  Unfit,
  type VisitedPage,
  type VisitOptions,
} from '../model/index.ts'

export interface StartedBrowser extends Browser, AsyncDisposable {
  close(): Promise<void>
}

const patience = 20_000
const framePatience = 5_000
const nowhere = 'http://127.0.0.1:1/assay-nowhere'

/** A Chromium that is launched once somebody opens a page, and kept until it is closed. */
export function startBrowser(): StartedBrowser {
  let launched: Promise<Chromium> | undefined
  const profiles = new Map<string, Promise<BrowserContext>>()
  const chromium = () => {
    launched ??= launchChromium().catch((error) => {
      launched = undefined
      throw error instanceof AssayError ? new Unfit('not-testable', `${error.message}: ${error.try}`) : error
    })
    return launched
  }
  const contextOf = async (profile?: string): Promise<BrowserContext> => {
    const browser = await chromium()
    if (profile === undefined) return browser.newContext()
    if (!profiles.has(profile)) profiles.set(profile, browser.newContext())
    return profiles.get(profile)!
  }
  const within = async <T>(profile: string | undefined, work: (context: BrowserContext) => Promise<T>): Promise<T> => {
    const context = await contextOf(profile)
    try {
      return await work(context)
    } finally {
      if (profile === undefined) await context.close()
    }
  }
  const close = async () => {
    const browser = await launched?.catch(() => undefined)
    await browser?.close()
  }
  return {
    open: (url, options = {}) => within(options.profile, (context) => visit(context, url, options)),
    fetchFrom: (origin, requests) => within(undefined, (context) => fetchFrom(context, origin, requests)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function visit(context: BrowserContext, url: string, options: VisitOptions): Promise<PageVisit> {
  const { person, untilConsent = false, redirectUri = nowhere, deadline = patience } = options
  if (options.asCarriedAway) await keepReadable(context)
  const page = await context.newPage()
  const pages: VisitedPage[] = []
  const seen = async (_: Page, kind: PageKind) => {
    pages.push(await visited(page, kind, options))
    return !(untilConsent && kind === 'consent')
  }
  try {
    const arrival = await walk(page, { url, redirectUri, person, seen, patience: deadline })
    const cookies = (await context.cookies()).map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite }))
    const stuck = 'stuck' in arrival ? { stuck: arrival.stuck } : {}
    const arrived = 'parameters' in arrival ? { arrived: publicPart(arrival.parameters) } : {}
    return { pages, cookies, ...arrived, ...stuck }
  } finally {
    await page.close()
  }
}

const publicPart = (parameters: URLSearchParams): NonNullable<PageVisit['arrived']> => ({
  names: [...parameters.keys()],
  ...(parameters.has('error') && { error: parameters.get('error')! }),
  ...(parameters.has('iss') && { iss: parameters.get('iss')! }),
})

async function keepReadable(context: BrowserContext): Promise<void> {
  const readable = (await context.cookies()).filter(({ httpOnly }) => !httpOnly)
  await context.clearCookies()
  await context.addCookies(readable)
}

async function visited(page: Page, asks: PageKind, { evaluate, inFrame }: VisitOptions): Promise<VisitedPage> {
  const { origin, pathname } = new URL(page.url())
  const value = evaluate === undefined ? {} : { value: await page.evaluate(evaluate).catch(() => null) }
  return { url: origin + pathname, asks, ...value, ...(inFrame && { inFrame: await framed(page.context(), page.url()) }) }
}

// Of the same site, or cookies marked SameSite stay away and the frame shows another page than the one that is to be protected.
const neighbourOf = (url: string): string => Object.assign(new URL('/assay-frame', url), { port: '2' }).href

async function framed(context: BrowserContext, url: string): Promise<VisitedPage['inFrame']> {
  const page = await context.newPage()
  try {
    const around = neighbourOf(url)
    const source = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    await page.route(around, (route) =>
      route.fulfill({ contentType: 'text/html', body: `<!doctype html><iframe src="${source}"></iframe>` }),
    )
    await page.goto(around, { waitUntil: 'load', timeout: framePatience })
    const frame = page.frames().find((each) => each !== page.mainFrame())
    if (frame === undefined || !/^https?:/.test(frame.url())) return 'refused'
    return await kindOf(frame)
  } finally {
    await page.close()
  }
}

async function fetchFrom(context: BrowserContext, origin: string, requests: readonly PageRequest[]): Promise<PageAnswer[]> {
  const page = await context.newPage()
  await page.route(`${origin}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Assay</title>' }))
  await page.goto(`${origin}/assay-page`, { timeout: patience })
  await page.unroute(`${origin}/**`)
  const answers: PageAnswer[] = []
  for (const request of requests) answers.push(await page.evaluate(fetchInPage, { ...request, patience }))
  return answers
}

/** Runs in the page: it can see nothing of this module. */
async function fetchInPage({ url, method, headers, body, patience }: PageRequest & { patience: number }): Promise<PageAnswer> {
  try {
    const response = await fetch(url, { method, headers, body, cache: 'no-store', signal: AbortSignal.timeout(patience) })
    const readable = [...response.headers.keys()]
    await response.body?.cancel()
    return { status: response.status, readable }
  } catch {
    return { readable: [] }
  }
}
