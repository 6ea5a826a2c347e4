import transport from './transport/index.ts'

/** Areas of the suite by folder name; each is the list of its sections. */
export default { transport }
