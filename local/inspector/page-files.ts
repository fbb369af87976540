import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A file of the page, ready to be served. */
export type PageFile = { readonly type: string; readonly text: string }

const FOLDER = new URL('page/', import.meta.url)

/**
 * Builds the page: its modules become one script, in memory.
 * @returns path → file
 */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const [html, css, script] = await Promise.all([
    readFile(new URL('page.html', FOLDER), 'utf8'),
    readFile(new URL('page.css', FOLDER), 'utf8'),
    buildScript(),
  ])
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', text: html }],
    ['/_local/page.css', { type: 'text/css; charset=utf-8', text: css }],
    ['/_local/page.js', { type: 'text/javascript; charset=utf-8', text: script }],
  ])
}

async function buildScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('main.tsx', FOLDER))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    // A browser's stack traces then name the page's own files.
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}
