import { type ErrorCode, type Template, templates } from './templates.ts'

type HolesIn<S extends string> = S extends `${string}{${infer Hole}}${infer Rest}` ? Hole | HolesIn<Rest> : never
type Holes<T extends Template> = HolesIn<T['says']> | HolesIn<T['try']>

export type Values<C extends ErrorCode> = Record<Holes<(typeof templates)[C]>, string>

/** What is known of this one case; `likely` and `try` replace the general ones. */
export interface ErrorDetail {
  sent?: string
  got?: string
  likely?: string
  try?: string
  cause?: unknown
}

/** An error a person can act on: a stable code, what was sent, what came back, what is likely, what to try. */
export class AssayError extends Error {
  readonly code: ErrorCode
  readonly sent?: string
  readonly got?: string
  readonly likely: string
  readonly try: string
  readonly exit: number

  constructor(code: ErrorCode, message: string, detail: Required<Pick<ErrorDetail, 'likely' | 'try'>> & ErrorDetail) {
    super(message, { cause: detail.cause })
    this.name = 'AssayError'
    this.code = code
    this.sent = detail.sent
    this.got = detail.got
    this.likely = detail.likely
    this.try = detail.try
    this.exit = templates[code].exit
  }
}

/** Makes the error of a code; the values its template asks for are required by the type. */
export function coded<C extends ErrorCode>(code: C, values: Values<C>, detail: ErrorDetail = {}): AssayError {
  const template: Template = templates[code]
  return new AssayError(code, fill(template.says, values), {
    ...detail,
    likely: detail.likely ?? template.likely,
    try: detail.try ?? fill(template.try, values),
  })
}

const fill = (text: string, values: Record<string, string>): string => text.replace(/\{(\w+)\}/g, (hole, name) => values[name] ?? hole)

/** An error as events and records carry it. */
export interface ErrorRecord {
  code: string
  message: string
  sent?: string
  got?: string
  likely?: string
  attempt?: string
}

export const recordOf = (error: AssayError): ErrorRecord => ({
  code: error.code,
  message: error.message,
  sent: error.sent,
  got: error.got,
  likely: error.likely,
  attempt: error.try,
})
