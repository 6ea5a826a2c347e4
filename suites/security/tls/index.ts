import channel from './channel.ts'
import clients from './clients.ts'

export default [channel, clients]
