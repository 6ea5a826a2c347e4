import type { Frame, Locator, Page } from 'playwright-core'

/** Somebody who can sign in. */
export interface Person {
  username: string
  password: string
}

/** What a page asks of a person. */
export type PageKind = 'sign-in' | 'consent' | 'other'

const userName = /user|e-?mail|log[- ]?in|account|phone/i
const signInButton = /^(sign|log) ?(in|on)$|^(continue|next|submit|verify)\b/i
const consentButton = /^(allow|accept|yes|authori[sz]e|approve|agree|grant|consent|continue)\b/i

// Keycloak's own ids are the way out where a theme has taken the names away.
const keycloak = { username: '#username', button: '#kc-login' }

const first = async (...locators: Locator[]): Promise<Locator | undefined> => {
  for (const locator of locators) if (await locator.first().isVisible()) return locator.first()
  return undefined
}

const passwordField = (page: Page | Frame) => first(page.locator('input[type=password]'))
const nameField = (page: Page | Frame) => first(page.getByRole('textbox', { name: userName }), page.locator(keycloak.username))
const button = (page: Page | Frame, name: RegExp) => first(page.getByRole('button', { name }), page.locator(keycloak.button))

/** What the page asks for now, as far as its accessible roles and names tell. */
export async function kindOf(page: Page | Frame): Promise<PageKind> {
  if ((await passwordField(page)) || (await nameField(page))) return 'sign-in'
  return (await button(page, consentButton)) ? 'consent' : 'other'
}

/** Fills in what the sign-in page asks for and sends it; says whether the password was among it. */
export async function fillSignIn(page: Page, { username, password }: Person): Promise<{ passwordSent: boolean }> {
  const [nameBox, passwordBox] = await Promise.all([nameField(page), passwordField(page)])
  if (nameBox && (await nameBox.isEditable())) await nameBox.fill(username)
  await passwordBox?.fill(password)
  const submit = await button(page, signInButton)
  await (submit ? submit.click({ noWaitAfter: true }) : (passwordBox ?? nameBox)?.press('Enter', { noWaitAfter: true }))
  return { passwordSent: passwordBox !== undefined }
}

/** Allows what the consent page asks for. */
export async function allow(page: Page): Promise<void> {
  await (await button(page, consentButton))?.click({ noWaitAfter: true })
}

/** One line that says what a page shows, for whoever has to find out why it is there. */
export async function described(page: Page): Promise<string> {
  const alert = page.locator('[role=alert], [aria-live]:not(:empty), .kc-feedback-text').first()
  const said = (await alert.isVisible().catch(() => false)) ? (await alert.innerText()).trim() : ''
  const { origin, pathname } = new URL(page.url(), 'about:blank')
  const place = origin === 'null' ? page.url() : origin + pathname
  return `the page "${await page.title().catch(() => '')}" at ${place}${said ? ` says "${said.slice(0, 200)}"` : ''}`
}
