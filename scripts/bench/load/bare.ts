/** What k6 does by itself for the same HTTP request: the measure for the virtual users of Assay. */
import http from 'k6/http'

declare const __ENV: Record<string, string>
declare function open(path: string): string

const { flows } = JSON.parse(open(__ENV.ASSAY_SCRIPT!))
const { url, headers, requests } = flows[0]
const [head, middle, tail] = requests[0].text
const body = `${head}1${middle}assay-1-1-1${tail}`
const params = { headers: { ...headers, ...requests[0].headers } }

export const options = JSON.parse(__ENV.ASSAY_OPTIONS!)

export function calls(): void {
  http.post(url, body, params)
}

export function handleSummary(data: { metrics: Record<string, { values: Record<string, number> }> }): Record<string, string> {
  const { iterations, dropped_iterations: dropped } = data.metrics
  return { [__ENV.ASSAY_SUMMARY!]: JSON.stringify({ iterations: iterations?.values.count ?? 0, dropped: dropped?.values.count ?? 0 }) }
}
