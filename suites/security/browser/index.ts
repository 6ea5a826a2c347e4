import crossOrigin from './cross-origin.ts'
import pages from './pages.ts'

export default [pages, crossOrigin]
