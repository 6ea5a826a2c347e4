import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { reporters } from './index.ts'
import { markdown, plain, xml } from './plain.ts'

test('every reporter of the directory is registered, and loads', async () => {
  const entries = await readdir(fileURLToPath(new URL('.', import.meta.url)), { withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'dashboards').map(({ name }) => name)
  expect(Object.keys(reporters).sort()).toEqual(folders.sort())
  for (const { load } of Object.values(reporters)) expect(await load()).toBeTypeOf('function')
})

test('escape sequences and control characters are removed', () => {
  expect(plain('\u001b]0;title\u0007a\u001b[2Jb\u009b1mc\u001bcd\u0000\u0085e\r\nf')).toBe('abcde\nf')
  expect(xml('<a href="x">\u0001&\ud800')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;\ufffd')
  expect(markdown('[x](y)\n# `z` <i>')).toBe('\\[x\\]\\(y\\) \\# \\`z\\` &lt;i&gt;')
})
