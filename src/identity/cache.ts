/** A token as an authorization server gave it. */
export interface IssuedToken {
  token: string
  /** Seconds it lives, when the server said so. */
  lives?: number
}

const assumedLife = 300
const renewalMargin = 30

/** Keeps a token until shortly before it expires; callers that ask at once share one request. */
export function cached(issue: () => Promise<IssuedToken>, now: () => number = Date.now): () => Promise<string> {
  let current: { token: string; until: number } | undefined
  let pending: Promise<string> | undefined

  const renew = async () => {
    const { token, lives = assumedLife } = await issue()
    const usable = Math.max(lives - renewalMargin, lives / 2)
    current = { token, until: now() + usable * 1000 }
    return token
  }

  return () => {
    if (current && now() < current.until) return Promise.resolve(current.token)
    pending ??= renew().finally(() => {
      pending = undefined
    })
    return pending
  }
}
