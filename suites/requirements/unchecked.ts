/** Why a requirement has no check, by its id, or by its section where one reason holds for all that is left of it. */
export const reasons: Record<string, string> = {
  'lifecycle.ping.bidirectional': 'a ping by the server cannot be brought about from outside',
  'transport.sse.idle-keepalive': 'needs minutes of idleness; belongs to the load suite',
  'transport.session.expiry': 'needs the idle time to be known and waited out; belongs to the load suite',
  'transport.session.restart-404': 'needs a way to restart the target; belongs to the chaos suite',
  'transport.session.sticky': 'needs the addresses of the replicas; belongs to the chaos suite',
  'transport.http.origin-absent-ok': 'every other request of a run is one without an Origin',
  'section 7': 'needs a tool with an annotated argument whose header can be damaged; checked where the target lists one',
  'section 13': 'needs a change on the target that a probe can bring about',
  'section 14': 'multi round-trip requests need a tool that asks for input; not checked yet',
  'section 15': 'needs two principals or a cache that can be seen into; not checked yet',
  'section 16': 'belongs to the security suite; not checked yet',
  'section 17': 'is about the authorization server, not the MCP endpoint; not checked yet',
  'section 18': 'needs a tool that elicits or samples; not checked yet',
  'section 19': 'tasks are experimental and few targets offer them; not checked yet',
  'section 20': 'is about the stdio and HTTP+SSE transports; not checked yet',
  'section 21': 'belongs to the tenant, load and chaos suites; not checked yet',
}
