const joiner = /[\u200c\u200d]/
const breakers =
  /[\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Tibetan}]/u
const pictures = /[\p{Extended_Pictographic}\p{Emoji_Modifier}]|\ufe0f/u
// Latin, Greek, Cyrillic and digits are written without joiners.
const unjoined = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{ASCII}\s]/u
const invisible = /[\u200b\u2060-\u2064\u206a-\u206f\ufff9-\ufffb\u115f\u1160\u3164\uffa0]|\u180e|[\u180b-\u180d]/u
const selector = /[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/u
const tag = /[\u{e0000}-\u{e007f}]/u
const flag = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{2,6}\u{e007f}/gu
const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u
const mongolian = /\p{Script=Mongolian}/u
const selectable = /[\p{Script=Han}\p{Extended_Pictographic}\p{Emoji}\p{Script=Mongolian}\p{Script=Myanmar}\p{Sm}\p{So}\p{Po}]/u

const named = (character: string): string => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`

/** A character nobody sees and no script or emoji needs where it stands. */
export function invisibleIn(text: string): string | undefined {
  if (!/[^\x20-\x7e\s]/.test(text)) return undefined
  const characters = [...text.replace(flag, '\u{1f3f4}')]
  for (const [index, character] of characters.entries()) {
    const before = characters[index - 1] ?? ''
    const after = characters[index + 1] ?? ''
    const needless =
      tag.test(character) ||
      (character === '\ufeff' && index > 0) ||
      (invisible.test(character) && !isBreak(character, before, after)) ||
      (joiner.test(character) && !joins(before, after)) ||
      (selector.test(character) && !selectable.test(before))
    if (needless)
      return `holds the invisible character ${named(character)} after ${JSON.stringify(characters.slice(Math.max(0, index - 20), index).join(''))}`
  }
  return undefined
}

// Scripts without blanks mark where a line may end; the word joiner says where it may not.
const isBreak = (character: string, before: string, after: string): boolean =>
  ((character === '\u200b' || character === '\u2060') && (breakers.test(before) || breakers.test(after))) ||
  (/[\u180b-\u180e]/.test(character) && mongolian.test(before))

const joins = (before: string, after: string): boolean =>
  (pictures.test(before) && pictures.test(after)) ||
  (before !== '' && !unjoined.test(before) && (after === '' || !unjoined.test(after) || /\s/.test(after)))

/** Marks that turn the reading direction in a text that is read in one direction, or that turn it against its letters. */
export function directionIn(text: string): string | undefined {
  const override = /[\u202d\u202e]/.exec(text)
  if (override) return `turns the order of its characters around with ${named(override[0])}`
  const mark = /[\u200e\u200f\u061c\u202a-\u202c\u2066-\u2069]/.exec(text)
  if (mark && !rightToLeft.test(text)) return `holds the direction mark ${named(mark[0])} without anything to be read from the right`
  const open = (text.match(/[\u202a\u202b\u2066-\u2068]/g) ?? []).length
  const closed = (text.match(/[\u202c\u2069]/g) ?? []).length
  return open > closed ? 'opens a reading direction that it does not close' : undefined
}

/** Characters that steer a terminal. */
export function controlIn(text: string): string | undefined {
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.exec(text)
  return control === null ? undefined : `holds the control character ${named(control[0])}`
}

/** Text smuggled in characters nobody sees: tags, or variation selectors one after the other. */
export function smuggledIn(text: string): string | undefined {
  const found = /[\u{e0020}-\u{e007e}]{4}|[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{4}/u.exec(text.replace(flag, ''))
  return found === null ? undefined : `hides text in characters from ${named(found[0])} on`
}
