import type { Finding } from '../model/index.ts'
import { type Accepted, type Applied, accept } from './accepted.ts'

/** Annotates what a waiver accepts. Entries are as read from the file, of any form: a bad one is a problem, never ignored. */
export const applyWaivers = (findings: readonly Finding[], waivers: readonly unknown[], today: string, file = 'waivers.yaml'): Applied =>
  accept(findings, waivers, today, file, annotated)

const annotated = (finding: Finding, { reason, owner, expires }: Accepted): Finding => ({ ...finding, waiver: { reason, owner, expires } })
