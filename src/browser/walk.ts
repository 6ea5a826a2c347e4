import type { Page } from 'playwright-core'
import { allow, described, fillSignIn, kindOf, type PageKind, type Person } from './pages.ts'

/** What a person does on a page the usual forms do not cover, such as a second factor. */
export type Step = (page: Page, person: Person) => Promise<void>

export interface Walk {
  url: string
  /** Where the answer of the authorization server leads. The browser never gets there: the address is all that is wanted. */
  redirectUri: string
  person?: Person
  /** Called with each page once it stands still; `false` ends the walk there. */
  seen?: (page: Page, kind: PageKind) => Promise<boolean>
  steps?: readonly Step[]
  /** Milliseconds for the whole walk. */
  patience?: number
}

/** Where a walk ended: at the redirect URI, where the caller wanted, or in front of a page that leads no further. */
export type Arrival = { parameters: URLSearchParams } | { stopped: PageKind } | { stuck: string }

const defaultPatience = 60_000
const pollEvery = 100
/** Milliseconds a page may stand still before the walk is given up: one nothing here can answer, and one that was answered. */
const stillness = { other: 5_000, 'sign-in': 20_000, consent: 20_000 } as const

/** Opens an authorization URL and goes through sign-in and consent as a person would, the password sent once at most. */
export async function walk(page: Page, { url, redirectUri, person, seen, steps = [], patience = defaultPatience }: Walk): Promise<Arrival> {
  const until = Date.now() + patience
  const caught = await catchRedirect(page, redirectUri)
  const answer = answers(page, person, [...steps])
  page.setDefaultTimeout(patience)
  await page.goto(url, { waitUntil: 'commit', timeout: patience }).catch((error: Error) => {
    if (caught() === undefined && !/ERR_ABORTED|interrupted/.test(error.message)) throw error
  })
  let [last, since] = ['', Date.now()]
  while (Date.now() < until) {
    const parameters = caught()
    if (parameters) return { parameters }
    const now = await standingOf(page)
    if (now !== undefined && now.state !== last) {
      ;[last, since] = [now.state, Date.now()]
      if (seen && !(await seen(page, now.kind))) return { stopped: now.kind }
      const end = await answer(now)
      if (end) return end
    } else if (now !== undefined && Date.now() - since > stillness[now.kind]) {
      return { stuck: `nothing here leads on: ${await described(page)}` }
    }
    await pause(pollEvery)
  }
  return { stuck: `${patience} ms have passed in front of ${await described(page)}` }
}

/** Answers page after page; an end is returned where there is no answer. */
function answers(page: Page, person: Person | undefined, steps: Step[]): (standing: Standing) => Promise<Arrival | undefined> {
  let passwordSent = false
  return async ({ kind, password }) => {
    if (person === undefined) return kind === 'other' ? undefined : { stopped: kind }
    if (kind === 'other') await steps.shift()?.(page, person)
    if (kind === 'consent') await allow(page)
    if (kind !== 'sign-in') return undefined
    // A wrong password sent again and again locks its owner out.
    if (passwordSent && password) return { stuck: `the password is asked for again: ${await described(page)}` }
    passwordSent = (await fillSignIn(page, person)).passwordSent || passwordSent
    return undefined
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Standing {
  kind: PageKind
  password: boolean
  /** A name for this very document in this very state. */
  state: string
}

/** Where the walk stands; undefined while it is on its way. */
async function standingOf(page: Page): Promise<Standing | undefined> {
  try {
    if (page.url() === 'about:blank') return undefined
    await page.waitForLoadState('load', { timeout: 5_000 }).catch(() => undefined)
    const document = await page.evaluate(() => String(performance.timeOrigin))
    const [kind, password] = [await kindOf(page), await page.locator('input[type=password]').first().isVisible()]
    return { kind, password, state: `${document} ${page.url()} ${kind} ${password}` }
  } catch {
    // The page was left while it was being looked at.
    return undefined
  }
}

// Only requests that begin a navigation pass `page.route`; what a redirect leads to is seen one level below.
async function catchRedirect(page: Page, redirectUri: string): Promise<() => URLSearchParams | undefined> {
  let parameters: URLSearchParams | undefined
  const session = await page.context().newCDPSession(page)
  session.on('Fetch.requestPaused', ({ requestId, request }) => {
    const rest = request.url.startsWith(redirectUri) ? request.url.slice(redirectUri.length) : undefined
    if (rest === undefined || !/^([?#]|$)/.test(rest)) {
      session.send('Fetch.continueRequest', { requestId }).catch(() => undefined)
      return
    }
    parameters ??= new URL(request.url).searchParams
    session.send('Fetch.fulfillRequest', { requestId, responseCode: 204 }).catch(() => undefined)
  })
  const urlPattern = `${redirectUri.replace(/[\\*?]/g, '\\$&')}*`
  await session.send('Fetch.enable', { patterns: [{ urlPattern, requestStage: 'Request' }] })
  return () => parameters
}
