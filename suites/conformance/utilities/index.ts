import cancellation from './cancellation.ts'
import logging from './logging.ts'
import pagination from './pagination.ts'
import progress from './progress.ts'

export default [pagination, progress, ...cancellation, ...logging]
