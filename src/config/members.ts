import { type AssayError, coded, nearest, orList } from '../messages/index.ts'
import { type DeploymentDocument, isObject } from '../model/index.ts'

/** A member of a document, with its place for what is said of it. Each way to read it throws what was expected instead. */
export class Member {
  readonly #document: DeploymentDocument
  readonly #path: string
  readonly value: unknown

  private constructor(document: DeploymentDocument, path: string, value: unknown) {
    this.#document = document
    this.#path = path
    this.value = value
  }

  static top = (document: DeploymentDocument): Member => new Member(document, '', document.value)

  /** Where it stands, without the path: `slo/search.yaml:12`. */
  get place(): string {
    return `${this.#document.file}:${this.#line()}`
  }

  at(name: string): Member {
    return new Member(
      this.#document,
      this.#path === '' ? name : `${this.#path}.${name}`,
      isObject(this.value) ? this.value[name] : undefined,
    )
  }

  has(name: string): boolean {
    return isObject(this.value) && this.value[name] !== undefined
  }

  /** It is an object and has no members but these. */
  only(known: readonly string[]): this {
    if (!isObject(this.value)) throw this.wrong(`an object of ${known.join(', ')}`)
    const unknown = Object.keys(this.value).find((name) => !known.includes(name))
    if (unknown === undefined) return this
    const meant = orList(nearest(unknown, known))
    throw this.at(unknown).wrong(meant ? `${meant} in place of "${unknown}"` : `one of ${known.join(', ')} in place of "${unknown}"`)
  }

  items(expected: string): Member[] {
    if (!Array.isArray(this.value) || this.value.length === 0) throw this.wrong(expected)
    return this.value.map((item, index) => new Member(this.#document, `${this.#path}[${index}]`, item))
  }

  text(expected: string, fits: RegExp = /./): string {
    if (typeof this.value !== 'string' || !fits.test(this.value)) throw this.wrong(expected)
    return this.value
  }

  oneOf<const T extends string>(values: readonly T[], expected: string = values.join(' or ')): T {
    const found = values.find((value) => value === this.value)
    if (found === undefined) throw this.wrong(expected)
    return found
  }

  wrong(expected: string): AssayError {
    const at = this.#path || 'the top'
    const got = this.value === undefined ? 'nothing' : JSON.stringify(this.value).slice(0, 120)
    return coded('E_OBJECTIVE_INVALID', { place: `${this.place} (document ${this.#document.index + 1}, ${at})`, expected }, { got })
  }

  /** What is missing has the line of what it is missing in. */
  #line(): number {
    const { line, lines } = this.#document
    for (let path = this.#path; path !== ''; path = path.slice(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['), 0))) {
      const found = lines?.[path]
      if (found !== undefined) return found
    }
    return line
  }
}
