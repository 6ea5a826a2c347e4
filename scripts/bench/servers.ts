/** So many small SDK servers in one process; tells their addresses to the parent. */
import { startSdkHandler } from '../../fixtures/third-party/sdk-handler.ts'

const started = await Promise.all(Array.from({ length: Number(process.argv[2]) }, startSdkHandler))
process.send!(started.map(({ url }) => url))
