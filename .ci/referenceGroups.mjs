// For typedoc: the names of each way in stand under the folder that they come from, so that the reference is divided as the source is.
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Comment, CommentTag, Converter } from 'typedoc';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** `speech/languageModel/arpa.ts` in `quantlab/speech` is "Language model"; what another room gives bears that room's name. */
function categoryOf(way, file) {
  const [room = '', ...rest] = relative(source, file).split(sep);
  const folder = room === way && rest.length > 1 ? rest[0] : room;
  const words = folder.replace(/\.ts$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0].toUpperCase() + words.slice(1);
}

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const way of project.children ?? []) {
      for (const name of way.children ?? []) {
        const target = name.isReference() ? name.getTargetReflectionDeep() : name;
        const file = project.getSymbolIdFromReflection(target)?.fileName;
        if (!file) continue;
        if (name.isReference()) name.comment = new Comment();
        const category = categoryOf(way.name.replace('quantlab/', ''), file);
        for (const { comment } of [name, ...(name.signatures ?? [])]) {
          comment?.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
        }
      }
    }
  });
}
