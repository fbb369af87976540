const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { refusal } = require('./refusal.cjs')

/** What the functions tell that they were deployed from: the version that building the bundles has written. */
exports.version = () => {
  try {
    return readFileSync(join(process.cwd(), 'dist', 'version'), 'utf8').trim()
  } catch (cause) {
    throw refusal('The bundles are not built. Run `npm run package`, which builds them first.', { cause })
  }
}
