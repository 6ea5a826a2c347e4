/** The virtual users of Assay, as many and as long as the measurement says. */
declare const __ENV: Record<string, string>

const shared = { systemTags: [], summaryTrendStats: ['count'], userAgent: 'assay' }

export const options = { ...shared, ...JSON.parse(__ENV.ASSAY_OPTIONS!) }

export { calls } from '../../../suites/load/k6/traffic.ts'
export { handleSummary } from './bare.ts'
