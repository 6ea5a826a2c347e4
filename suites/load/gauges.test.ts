import { expect, test } from 'vitest'
import { heldOf } from './gauges.ts'

const metrics = `# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1.5e+08
# TYPE process_open_fds gauge
process_open_fds 41
# TYPE mcp_sessions_active gauge
mcp_sessions_active{tenant="a b"} 3
mcp_sessions_active{tenant="c"} 4 1700000000000
# TYPE mcp_sessions_total counter
mcp_sessions_total 900
# TYPE http_sessions counter
http_sessions 500
`

test('gauges are known by their names and types, and added up over their labels', () => {
  expect(heldOf(metrics)).toEqual({ memory: 150_000_000, descriptors: 41, sessions: 7 })
})

test('what is not there is left out, and no number is none', () => {
  expect(heldOf('')).toEqual({})
  expect(heldOf('# TYPE process_open_fds gauge\nprocess_open_fds NaN\n')).toEqual({})
})
