import accounts from './accounts.ts'
import agentcore from './agentcore.ts'
import eksctl from './eksctl.ts'
import gatewayConfig from './gateway-config.ts'
import iam from './iam.ts'
import network from './network.ts'
import pods from './pods.ts'
import secrets from './secrets.ts'

export default [network, pods, accounts, secrets, eksctl, iam, agentcore, gatewayConfig]
