import tedious from 'tedious/package.json' with { type: 'json' }
import type { ToolVersion } from '../../core/manifest.ts'

export const DRIVER: ToolVersion = { name: 'tedious', vendor: 'Tedious.js', version: tedious.version }
