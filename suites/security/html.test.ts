import { expect, test } from 'vitest'
import type { Exchange } from '../../src/model/index.ts'
import { formsIn, textOf } from './html.ts'

const page = (body: string) => ({ response: { headers: { 'content-type': 'text/html; charset=utf-8' }, body } }) as unknown as Exchange

test('a form is read with its hidden fields and its buttons', () => {
  const [form] = formsIn(
    page(`<form id="f" onsubmit="x()" action="https://auth.example/login?code=a&amp;tab=b" method="post">
      <input tabindex="1" id="u" name="username" type="text" /> <input name='password' type='password'>
      <input type=hidden name=credentialId value=""> <input type="checkbox" name="remember">
      <input name="login" type="submit" value="Sign In"> <button type="button" name="show">Show</button></form>`),
  )
  expect(form).toMatchObject({
    method: 'POST',
    action: 'https://auth.example/login?code=a&tab=b',
    buttons: [{ name: 'login', value: 'Sign In' }],
  })
  expect(form!.inputs.map(({ name, type }) => [name, type])).toEqual([
    ['username', 'text'],
    ['password', 'password'],
    ['credentialId', 'hidden'],
    ['remember', 'checkbox'],
  ])
})

test('only what a person reads is text', () => {
  expect(textOf(page('<head><title>x</title></head><p data-host="evil">A &amp; B</p><script>host</script>'))).toBe('A & B')
})
