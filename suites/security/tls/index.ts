import bound from './bound.ts'
import channel from './channel.ts'
import clients from './clients.ts'
import renewal from './renewal.ts'

export default [channel, clients, renewal, bound]
