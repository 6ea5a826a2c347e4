/**
 * Every coded error, in one table. Codes are stable: scripts and people search for them. `{name}` is filled when the error is
 * made; `why` is what `assay explain <code>` adds.
 */
export const templates = {
  E_CONFIG_NOT_FOUND: {
    says: 'there is no configuration at {file}',
    why: 'A path given with --config is read as it stands; nothing else is tried in its place, so that a gate never judges by another configuration than the one named.',
    likely: 'the path is misspelt, or is relative to another directory',
    try: 'check the path, or write a configuration with: assay init',
    exit: 2,
  },
  E_CONFIG_INVALID: {
    says: 'the configuration does not hold at {path}',
    why: 'A configuration is checked whole, against schema/config.schema.json, before anything is sent. A target that is half understood would be assessed half.',
    likely: 'a value of the wrong type, or a member that is missing',
    try: 'correct {path} in {file}',
    exit: 2,
  },
  E_CONFIG_UNKNOWN_KEY: {
    says: 'unknown key "{key}" at {path}',
    why: 'An unknown key is an error and not a warning: a misspelt limit or waiver file that is silently ignored makes a gate say something else than its configuration.',
    likely: 'a misspelling, or a key of another version',
    try: 'correct or remove "{key}" at {path} in {file}',
    exit: 2,
  },
  E_CONFIG_MISSING_ENV: {
    says: 'environment variable {variable} is not set, and {path} needs it',
    why: 'Values given with env(…) are read when the target they belong to is assessed. An unset and an empty variable are the same error: an empty secret is never meant.',
    likely: 'the variable is not exported in this shell, or the CI job does not pass the secret on',
    try: 'set it: export {variable}=…   (in CI: add it to the environment of the job)',
    exit: 2,
  },
  E_INSTRUMENT_PLACE: {
    says: 'the {instrument} of the harness cannot listen at {place}',
    why: 'An instrument that the target must reach stands where the configuration says, so that it can be registered beforehand. At another port nobody would find it.',
    likely: 'another process has the port, or the address is not one of this machine',
    try: 'free the port, or name another one under instruments.{instrument}',
    exit: 2,
  },
  E_CONFIG_LITERAL_SECRET: {
    says: 'a secret is written out at {path}',
    why: 'Configuration is committed, copied and printed; secrets are not. They come from the environment with env(…), or from a function that fetches them.',
    likely: 'a value pasted in to try something',
    try: "move the value to the environment and write env('NAME') at {path} in {file}; if the file was ever shared, replace the secret",
    exit: 2,
  },
  E_OBJECTIVE_INVALID: {
    says: 'an objective does not hold at {place}',
    why: 'Files of objectives are read whole before anything is sent: an objective that is silently left out would be met by everybody. `assay objectives` lists every mistake in them, and what can be read.',
    likely: 'a member that is missing or misspelt, or a kind of objective that Assay does not read',
    try: 'write {expected}',
    exit: 2,
  },
  E_OBJECTIVE_NO_RULES: {
    says: 'no objective of {file} can be written as rules of Prometheus',
    why: 'The rules count good and bad requests in what Prometheus has gathered, so an objective needs the PromQL of both. An empty file of rules would look like one that watches something.',
    likely: 'the objectives say what a run of Assay measures, and not yet what Prometheus counts',
    try: 'give an objective queries under `prometheus` in the configuration, or in OpenSLO a metricSource of type Prometheus',
    exit: 2,
  },
  E_SELECTOR_UNKNOWN: {
    says: 'nothing is selected by "{selector}"',
    why: 'A selector is a suite, an area, a check id, or a pattern with *. One that selects nothing is an error: an empty selection would otherwise pass.',
    likely: 'a misspelling, or a check that has been renamed',
    try: 'see what there is: assay list',
    exit: 2,
  },
  E_TARGET_UNKNOWN: {
    says: 'there is no target "{target}"',
    why: 'Targets are the members of `targets` in the configuration; a URL or a command after -- needs no configuration.',
    likely: 'a misspelling, or another configuration than the one expected',
    try: 'name one of the targets of {file}, or give a URL: assay run https://…/mcp',
    exit: 2,
  },
  E_TARGET_UNREACHABLE: {
    says: 'target "{target}" does not answer',
    why: 'Nothing was judged on this target. That is inconclusive, never a pass: exit code 3.',
    likely: 'it is not started, the address is wrong, or a network rule stands between',
    try: 'assay doctor --target {target}',
    exit: 3,
  },
  E_TARGET_REFUSED_TOKEN: {
    says: 'target "{target}" refuses the token it is given',
    why: 'The target answered 401 or 403 to a well-formed first request, so nothing else can be asked of it with this identity. Nothing was judged: exit code 3.',
    likely: 'the token is expired, was issued for another audience, lacks a scope, or is missing',
    try: 'assay doctor --target {target}',
    exit: 3,
  },
  E_TARGET_NOT_MCP: {
    says: 'target "{target}" answers, but not with MCP',
    why: 'Neither initialize nor server/discover was answered with a JSON-RPC message on which a conversation can be built. Nothing was judged: exit code 3.',
    likely: 'the URL lacks its path (often /mcp), or leads to a login page or a proxy',
    try: 'open the URL with curl, and correct it in the configuration',
    exit: 3,
  },
  E_TARGET_NOT_AUTHORITY: {
    says: 'target "{target}" answers, but has no metadata of an authorization server',
    why: 'Every judgement of an authorization server starts from its metadata (RFC 8414, OpenID Connect Discovery 1.0). Nothing was judged: exit code 3.',
    likely: 'the URL is not the issuer: compare it with "issuer" in its own metadata',
    try: 'open one of the URLs sent with curl, and correct `url` in the configuration',
    exit: 3,
  },
  E_REFERENCE_INCOMPLETE: {
    says: 'the embedded reference deployment cannot be started: {what} is not installed',
    why: 'The reference stands on a real identity provider, a real PostgreSQL and the official SDK. A project that only assesses its own targets does not need them, so they are optional.',
    likely: 'the package was installed without its optional peers',
    try: 'npm install --save-dev oidc-provider @electric-sql/pglite @modelcontextprotocol/server @modelcontextprotocol/node zod',
    exit: 2,
  },
  E_REVISION_NOT_SERVED: {
    says: 'target "{target}" does not serve {revisions}',
    why: 'The configuration lists the revision, so clients rely on it. A target that no longer serves it has broken them: nothing else is judged until the list and the target agree.',
    likely: 'the revision was dropped from the gateway, or the configuration lists one it never had',
    try: 'enable {revisions} on the target, or remove it from `revisions` in the configuration',
    exit: 1,
  },
  E_TOKEN_REFUSED: {
    says: 'identity "{identity}" of target "{target}" gets no token',
    why: 'The authorization server was asked for a token and gave none. Without it the identity cannot speak, and what needs it cannot be judged.',
    likely: 'wrong client credentials, a scope the client may not ask for, or an issuer that cannot be reached',
    try: 'assay doctor --target {target}',
    exit: 3,
  },
  E_GATE_UNKNOWN: {
    says: 'there is no gate "{gate}"',
    why: 'Gates are the members of `gates` in the configuration: a selection of checks, and what decides about the outcome.',
    likely: 'a misspelling, or another configuration than the one expected',
    try: 'name one of the gates of {file}',
    exit: 2,
  },
  E_RUN_NOT_FOUND: {
    says: 'there is no run "{run}"',
    why: 'A run is a directory below assay-results, its id, or `latest`.',
    likely: 'the command is started in another directory, or the results were cleaned away',
    try: 'list the runs: ls assay-results',
    exit: 2,
  },
  E_RUN_DAMAGED: {
    says: 'the run at {run} cannot be read: {what}',
    why: 'Files of a run carry the name and version of their schema. One that is cut off, or from a version this one does not know, is not guessed at.',
    likely: 'the run was interrupted before it wrote its results, or another version of Assay wrote it',
    try: 'run it again, or read it with the version that wrote it',
    exit: 2,
  },
  E_HISTORY_UNUSABLE: {
    says: 'the history at {file} cannot be used',
    why: 'A gate reads what earlier runs measured before it sends anything, and adds an entry when it has decided. The run itself is kept in its own directory all the same.',
    likely: 'a directory stands in its place, it may not be written, or the disk is full',
    try: 'make {file} a file that this user may read and write, or name another under `history.file` of the configuration',
    exit: 2,
  },
  E_WAIVER_INVALID: {
    says: 'entry {entry} of {file} is not a valid waiver',
    why: 'A waiver names a check, a reason, an owner and a date not more than a year ahead on which it ends; otherwise nobody answers for it.',
    likely: 'a member is missing or misspelt',
    try: 'give check, reason, owner and expires (YYYY-MM-DD)',
    exit: 2,
  },
  E_WAIVER_EXPIRED: {
    says: 'the waiver for {check} in {file} has expired on {expires}',
    why: 'An accepted failure is accepted until a date. After it the gate fails until someone decides again.',
    likely: 'the date has passed without a decision',
    try: 'correct what the check finds, or renew the waiver with {owner}',
    exit: 1,
  },
  E_WAIVER_STALE: {
    says: 'the waiver for {check} in {file} accepts nothing',
    why: 'An entry that matches nothing that fails is either misspelt or no longer needed. Left in place it would silently accept the next failure of that check.',
    likely: 'the failure is mended, or the check or target is misspelt',
    try: 'remove the entry, or correct its check and target',
    exit: 1,
  },
  E_TOOL_MISSING: {
    says: 'no usable {tool} is found',
    why: 'Some of the work is done by programs that are not npm packages. Each is looked for where its variable says, on PATH and in the cache, and can be obtained by an installer the machine has. What needs one that is missing is not testable; it never passes for that.',
    likely: 'it is not installed, and no installer on this machine could get it',
    try: '{how}',
    exit: 3,
  },
  E_LOAD_MERGE: {
    says: 'these files cannot be joined: {problem}',
    why: 'What several generators wrote makes one result only if it is of one traffic, each part once. Joined otherwise, it would say something of no traffic that was ever sent.',
    likely: 'files of an earlier test are still in the folder, or one was copied twice',
    try: 'give the files of one test, each once',
    exit: 2,
  },
  E_LOAD_EMIT: {
    says: 'the traffic of target "{target}" cannot be written as manifests: {problem}',
    why: 'Manifests are made from the very requests that would be sent from here: the target is asked for its tools, and for nothing else. Secrets never stand in them.',
    likely: 'the target is not prepared for load, or what is sent is too much for a ConfigMap',
    try: 'assay load load/steady-* --target {target} says more',
    exit: 2,
  },
  E_OUTPUT_EXISTS: {
    says: '{file} exists already',
    why: 'What is there may be somebody’s work: it is replaced only when asked to, and nothing is written when one of several files is in the way.',
    likely: 'the command has been run here before',
    try: 'give --force to replace it, or another --dir',
    exit: 2,
  },
  E_USAGE: {
    says: '{problem}',
    why: 'The command line was not understood, and nothing was done.',
    likely: 'a misspelt option, or an argument that is missing',
    try: 'assay {command} --help',
    exit: 2,
  },
} as const satisfies Record<string, Template>

export interface Template {
  /** The headline. */
  says: string
  /** The paragraph `explain` prints. */
  why: string
  likely: string
  try: string
  /** The exit code of a command that ends with this error. */
  exit: 1 | 2 | 3
}

export type ErrorCode = keyof typeof templates

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(templates, text)
