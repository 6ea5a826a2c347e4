import { check, controlled, each, holdsIf, inconclusive, probe, resultOf, section, summaryOf } from '../../../src/model/index.ts'
import { trickle } from '../rotation/trickle.ts'
import { opened } from './channel.ts'

const renewed = probe(
  'a certificate that is renewed',
  { over: 'http', requires: ['tls', 'newest revision', 'certificate renewal'], alone: true, disruptive: true },
  async (context) => {
    const connection = await context.connect({ hold: true })
    const before = await opened(context, connection.opening, {})
    const calls = trickle(() => opened(context, connection.opening, {}))
    await context.pause(100)
    await context.operate.renewCertificate!()
    await context.pause(600)
    const during = await calls.stop()
    return { before, during, after: await opened(context, connection.opening, {}) }
  },
)

export default section(
  {
    spec: 'policy',
    page: 'tls',
    revisions: 'all',
    over: 'http',
    requires: ['tls', 'newest revision', 'certificate renewal'],
    threat: 'stale-credential',
    weakness: ['CWE-324', 'CWE-298', 'API8:2023'],
  },
  [
    check('tls/renewed-certificate', {
      title: 'A renewed certificate is shown without a restart',
      policy: 'show its new certificate to whoever connects once it is there',
      needs: { renewed },
      judge: ({ renewed: { before, after } }) =>
        controlled([before], () =>
          before.tls === undefined || after.tls === undefined
            ? inconclusive('nothing is known of the certificate before or after the renewal', after)
            : holdsIf(after.tls.serial !== before.tls.serial, 'goes on showing its former certificate', {
                expected: `another certificate than ${before.tls.serial}`,
                actual: after.tls.serial,
                exchange: after,
              }),
        ),
      fix: 'Load the certificate anew when its file or secret changes.',
    }),

    check('tls/renewal-outage', {
      title: 'No call fails while the certificate is renewed',
      policy: 'serve every call while its certificate is renewed',
      needs: { renewed },
      judge: ({ renewed: { before, during } }) =>
        controlled([before], () =>
          each(during, 'no call was made meanwhile', (exchange) =>
            holdsIf(resultOf(exchange) !== undefined, 'fails calls while its certificate is renewed', {
              expected: 'a result',
              actual: summaryOf(exchange),
              exchange,
            }),
          ),
        ),
      fix: 'Exchange the certificate in the running process, or hand connections over to another one.',
    }),
  ],
)
