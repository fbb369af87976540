/** The names of AWS's resources carry the stage's, and some of them have 64 characters at most. */
const LENGTH_MAX = 31

/** Says what is wrong with the name of a stage, as a sentence; undefined where nothing is. */
export function stageProblem(name: string): string | undefined {
  if (!/^[a-zA-Z][a-zA-Z0-9-]*$/.test(name))
    return `"${name}" can't be a stage: letters, digits and hyphens, beginning with a letter.`
  if (name.length > LENGTH_MAX)
    return `"${name}" is too long for a stage: it has ${name.length} characters, and at most ${LENGTH_MAX} are possible. Choose a shorter name.`
  return undefined
}
