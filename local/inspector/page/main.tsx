import { render } from 'preact'
import { App } from './app.tsx'
import { listen } from './store.ts'

listen()
render(<App />, document.body)
