import type { Connection } from '../../../src/model/index.ts'

/** A request every target answers, without parameters of its own and without effect. */
export const harmless = ({ era }: Pick<Connection, 'era'>): string => (era === 'session' ? 'ping' : 'server/discover')

/** A method nobody offers. */
export const unknownMethod = 'assay/unknown-method'
