/** Letters of other scripts that look like Latin ones in most typefaces. */
const lookalikes: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'аa',
    'сc',
    'ԁd',
    'еe',
    'һh',
    'іi',
    'ӏl',
    'јj',
    'оo',
    'рp',
    'ԛq',
    'ѕs',
    'ѵv',
    'ԝw',
    'хx',
    'уy',
    'αa',
    'οo',
    'ρp',
    'νv',
    'ιi',
    'κk',
    'υu',
    'χx',
    'ɡg',
    'ıi',
    'օo',
    'ѐe',
    'вb',
    'кk',
    'мm',
    'нh',
    'тt',
  ].map((pair) => [...pair] as [string, string]),
)

/** What a name looks like at a glance: compatible forms, case, separators and look-alike letters folded. */
export const skeletonOf = (name: string): string =>
  [
    ...name
      .normalize('NFKC')
      .toLowerCase()
      .replace(/\p{C}|\p{Mn}/gu, ''),
  ]
    .map((letter) => lookalikes[letter] ?? letter)
    .join('')
    .replace(/[\s_.:/-]+/g, '_')

const scripts = ['Latin', 'Cyrillic', 'Greek', 'Armenian', 'Cherokee', 'Coptic', 'Georgian', 'Lisu', 'Tifinagh'].map(
  (script) => [script, new RegExp(`\\p{Script=${script}}`, 'u')] as const,
)

/** A word whose letters are of several scripts that have look-alikes of one another. */
export function mixedIn(text: string): string | undefined {
  for (const [word] of text.matchAll(/[\p{L}\p{M}]+/gu)) {
    const found = scripts.filter(([, of]) => of.test(word)).map(([script]) => script)
    if (found.length > 1) return `${JSON.stringify(word)} has letters of the scripts ${found.join(' and ')}`
  }
  return undefined
}

/** How a gateway takes names apart, when its list shows it: every name has the separator, and servers differ. */
export function separatorOf(names: readonly string[]): string | undefined {
  return ['___', '__', '::'].find(
    (separator) => names.every((name) => name.indexOf(separator) > 0) && new Set(names.map((name) => name.split(separator)[0])).size > 1,
  )
}

/** The server of a routed name and its name there. */
export const partsOf = (name: string, separator: string | undefined): { server: string; own: string } => {
  const at = separator === undefined ? -1 : name.indexOf(separator)
  return at < 0 ? { server: '', own: name } : { server: name.slice(0, at), own: name.slice(at + separator!.length) }
}
