import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { exampleRun } from '../reports/example.ts'
import { exampleLoads } from '../reports/html/example.ts'
import { html } from '../reports/html/html.ts'
import { launchChromium } from '../src/browser/index.ts'
import { find, missing } from '../src/toolchain/index.ts'

let unavailable: string | undefined
let browser: Browser | undefined
let folder: string
let address: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-html-'))
  const file = join(folder, 'report.html')
  await writeFile(file, html({ ...exampleRun(), loads: Object.values(exampleLoads()) }, { width: 100, color: false }))
  address = pathToFileURL(file).href
  if (await find('chromium')) browser = await launchChromium()
  else if (process.env.CI) throw new Error(missing('chromium'))
  else unavailable = missing('chromium')
})

beforeEach(({ skip }) => skip(unavailable !== undefined, unavailable))

afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

/** What a browser sees of the report: whatever it asks for, and whatever it complains of. */
async function open(options: { width?: number; colorScheme?: 'light' | 'dark' } = {}) {
  const { width = 1280, colorScheme } = options
  const page = await browser!.newPage({ viewport: { width, height: 900 }, colorScheme })
  const asked: string[] = []
  const complaints: string[] = []
  page.on('request', (request) => void asked.push(request.url()))
  page.on('console', (message) => void complaints.push(message.text()))
  page.on('pageerror', (error) => void complaints.push(error.message))
  await page.goto(address)
  return { page, asked, complaints }
}

describe('the HTML report', () => {
  test.each([1280, 390])('opens from disk at %i pixels, asks for nothing else, and is no wider than the screen', async (width) => {
    const { page, asked, complaints } = await open({ width })
    expect(asked).toEqual([address])
    expect(complaints).toEqual([])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    await page.close()
  })

  test('every text of a picture is within it', async () => {
    const { page } = await open()
    await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')
    const outside = await page.evaluate(`[...document.querySelectorAll('svg text')].flatMap((text) => {
      const [box, picture] = [text.getBoundingClientRect(), text.ownerSVGElement.getBoundingClientRect()]
      const isWithin = picture.left <= box.left && box.right <= picture.right && picture.top <= box.top && box.bottom <= picture.bottom
      return isWithin ? [] : [text.ownerSVGElement.getAttribute('aria-labelledby') + ': ' + text.textContent]
    })`)
    expect(outside).toEqual([])
    await page.close()
  })

  test('is light or dark as the reader prefers', async () => {
    const paper = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open({ colorScheme })
      const color = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      await page.close()
      return color
    }
    expect([await paper('light'), await paper('dark')]).toEqual(['rgb(255, 255, 255)', 'rgb(18, 22, 27)'])
  })

  test('on paper the pictures that were folded are there too', async () => {
    const { page } = await open()
    const shown = () =>
      page.evaluate(`[...document.querySelectorAll('svg')].filter((svg) => svg.checkVisibility({ contentVisibilityAuto: true })).length`)
    const onScreen = await shown()
    await page.emulateMedia({ media: 'print' })
    expect(await shown()).toBeGreaterThan(Number(onScreen))
    expect(await shown()).toBe(await page.evaluate(`document.querySelectorAll('svg').length`))
    await page.close()
  })
})
