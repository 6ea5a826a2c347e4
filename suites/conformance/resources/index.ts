import errors from './errors.ts'
import list from './list.ts'
import read from './read.ts'
import subscriptions from './subscriptions.ts'

export default [list, read, subscriptions, errors]
