/** What is not green on each, exactly: outcome by check. */
export const calibration: Record<string, readonly string[]> = {}
