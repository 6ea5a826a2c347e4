import jsonRpc from './json-rpc/index.ts'
import lifecycle from './lifecycle/index.ts'
import prompts from './prompts/index.ts'
import resources from './resources/index.ts'
import stateless from './stateless/index.ts'
import tools from './tools/index.ts'
import transport from './transport/index.ts'
import utilities from './utilities/index.ts'
import versioning from './versioning/index.ts'

/** Areas of the suite by folder name; each is the list of its sections. */
export default { 'json-rpc': jsonRpc, lifecycle, prompts, transport, utilities, resources, tools, stateless, versioning }
