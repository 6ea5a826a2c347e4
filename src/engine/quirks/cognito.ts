import type { Quirk } from '../../model/index.ts'

/** Known of Amazon Cognito user pools. */
const quirks: readonly Quirk[] = []

export default quirks
