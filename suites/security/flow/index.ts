import machine from './machine.ts'
import ofAgents from './steps-of-agents.ts'
import ofGateways from './steps-of-gateways.ts'

export default [ofAgents, ofGateways, machine]
