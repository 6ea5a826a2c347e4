import { type Exchange, headerOf, type ProbeContext, statusOf, type UserAccess } from '../../src/model/index.ts'
import { formBody } from './forms.ts'
import { type Form, formsIn } from './html.ts'

/** What came of an attempt to sign in. */
export interface SignIn {
  /** Everything that was asked and answered, in order. */
  exchanges: Exchange[]
  /** The page with the form for name and password. */
  login?: Exchange
  /** The page that asks for consent; absent where nobody was asked. */
  consent?: Exchange
  /** Where the browser was sent in the end, outside the authorization server: the redirect URI with `code=$CODE_5` or an error. */
  redirect?: string
}

export interface SignInOptions {
  /** Goes on with the cookies of an earlier visit. */
  browser?: Browser
  /** What is pressed on the page that asks for consent; `look` leaves it at that page. */
  consent?: 'allow' | 'deny' | 'look'
}

/** A browser without a window: keeps cookies and follows redirects as long as they stay on the same origin. */
export interface Browser {
  /** Everything that was asked and answered, in order. */
  readonly exchanges: Exchange[]
  open(url: string, form?: string): Promise<Visit>
}

/** Where a visit has ended: at a page, or at a redirect to somewhere else, which is not followed. */
export interface Visit {
  page: Exchange
  redirect?: string
}

type Cookie = { name: string; path: string; value: string }

const mostPages = 8
const mostRedirects = 10

/** Signs in and consents by the forms of an authorization server. Ends where the pages end or cannot be understood. */
export async function signIn(
  context: ProbeContext,
  authorizationUrl: string,
  user: UserAccess,
  { browser = browserOf(context, new URL(authorizationUrl).origin), consent = 'allow' }: SignInOptions = {},
): Promise<SignIn> {
  const from = browser.exchanges.length
  const seen: Pick<SignIn, 'login' | 'consent' | 'redirect'> = {}
  let { page, redirect } = await browser.open(authorizationUrl)
  for (let pages = 0; redirect === undefined && pages < mostPages; pages += 1) {
    const form = formsIn(page).find(({ method }) => method === 'POST')
    if (form === undefined) break
    const asked = isLogin(form) ? 'login' : 'consent'
    // A form that comes back was not accepted.
    if (asked === 'login' && seen.login !== undefined && hasPassword(form) && hadPassword(seen.login)) break
    seen[asked] = page
    if (asked === 'consent' && consent === 'look') break
    const fields = asked === 'login' ? loginFields(form, user) : consentFields(form, consent === 'allow')
    ;({ page, redirect } = await browser.open(new URL(form.action, page.request.url).href, formBody(context, fields)))
  }
  return { exchanges: browser.exchanges.slice(from), ...seen, ...(redirect === undefined ? {} : { redirect }) }
}

/** Starts without cookies, for pages of one origin. */
export function browserOf({ request, reveal }: ProbeContext, origin: string): Browser {
  const exchanges: Exchange[] = []
  const jar = new Map<string, Cookie>()

  const ask = async (url: string, form?: string): Promise<Exchange> => {
    const cookies = [...jar.values()].filter(({ path }) => isBelow(reveal(new URL(url).pathname), reveal(path)))
    const headers: [string, string][] = [['Accept', 'text/html,application/xhtml+xml']]
    if (cookies.length > 0) headers.push(['Cookie', cookies.map(({ name, value }) => `${name}=${value}`).join('; ')])
    if (form !== undefined) headers.push(['Content-Type', 'application/x-www-form-urlencoded'], ['Origin', origin])
    const exchange = await request({ method: form === undefined ? 'GET' : 'POST', url, headers, body: form, authorize: false })
    exchanges.push(exchange)
    for (const field of headerOf(exchange, 'set-cookie')?.split('\n') ?? []) keepCookie(jar, field, new URL(url))
    return exchange
  }

  const open = async (url: string, form?: string): Promise<Visit> => {
    let page = await ask(url, form)
    for (let followed = 0; followed < mostRedirects; followed += 1) {
      const location = isRedirect(page) ? headerOf(page, 'location') : undefined
      const next = location === undefined ? null : URL.parse(location, page.request.url)
      if (next === null) return { page }
      if (next.origin !== origin) return { page, redirect: location }
      page = await ask(next.href)
    }
    return { page }
  }

  return { exchanges, open }
}

const isRedirect = (exchange: Exchange): boolean => [301, 302, 303, 307, 308].includes(statusOf(exchange) ?? 0)

const hasPassword = ({ inputs }: Form): boolean => inputs.some(({ type }) => type === 'password')

const hadPassword = (page: Exchange): boolean => formsIn(page).some(hasPassword)

// Some ask for the name on a page of its own, before the password.
const isLogin = (form: Form): boolean => hasPassword(form) || form.inputs.some(isNameField)

const isNameField = ({ type, name }: Form['inputs'][number]): boolean =>
  (type === 'text' || type === 'email') && /user|mail|login|identifier/i.test(name)

function loginFields(form: Form, { username, password }: UserAccess): Record<string, string> {
  const fields = { ...hiddenOf(form), ...(form.buttons[0]?.name ? { [form.buttons[0].name]: form.buttons[0].value } : {}) }
  for (const input of form.inputs) {
    if (input.type === 'password') fields[input.name] = password
    else if (isNameField(input) || (hasPassword(form) && input.type === 'text')) fields[input.name] = username
  }
  return fields
}

export function consentFields(form: Form, allow: boolean): Record<string, string> {
  const wanted = allow
    ? /allow|accept|approve|authori[sz]e|consent|grant|yes|continue|confirm/i
    : /deny|cancel|reject|decline|refuse|\bno\b/i
  const button = form.buttons.find(({ name, value }) => wanted.test(`${name} ${value}`)) ?? form.buttons[allow ? 0 : 1]
  return { ...hiddenOf(form), ...(button?.name ? { [button.name]: button.value } : {}) }
}

const hiddenOf = ({ inputs }: Form): Record<string, string> =>
  Object.fromEntries(inputs.filter(({ type, checked }) => type === 'hidden' || checked).map(({ name, value }) => [name, value]))

function keepCookie(jar: Map<string, Cookie>, field: string, { pathname }: URL): void {
  const [pair = '', ...attributes] = field.split(';').map((part) => part.trim())
  const at = pair.indexOf('=')
  if (at < 1) return
  const attribute = (name: string) => attributes.find((each) => each.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1)
  const path = attribute('path') ?? (pathname.slice(0, pathname.lastIndexOf('/')) || '/')
  const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path }
  const key = `${cookie.name};${path}`
  const expires = attribute('expires')
  const over = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now())
  if (over || cookie.value === '') jar.delete(key)
  else jar.set(key, cookie)
}

const isBelow = (path: string, start: string): boolean => path === start || path.startsWith(start.endsWith('/') ? start : `${start}/`)
