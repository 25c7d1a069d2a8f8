/**
 * The name of a file or folder as the id of a model.
 *
 * @param otherwise - the id where nothing of the name serves
 */
export function idFromName(name: string, otherwise: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100);
  return id === '' ? otherwise : id;
}
