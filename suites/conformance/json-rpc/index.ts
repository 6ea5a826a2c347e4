import batching from './batching.ts'
import encoding from './encoding.ts'
import errorCodes from './error-codes.ts'
import errors from './errors.ts'
import exposure from './exposure.ts'
import notifications from './notifications.ts'
import requests from './requests.ts'
import responses from './responses.ts'

export default [requests, responses, notifications, batching, errors, errorCodes, encoding, exposure]
