import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { cacheFolder } from '../recognise/registry/registry.js';
import { type CorpusProgress, getCorpus, listCorpora } from '../speech/corpora/corpora.js';
import { getPackageSet, isPackageSet, PACKAGE_SETS, type PackageSet } from '../speech/corpora/packageSpeech.js';
import { columns, megabytes } from './columns.js';
import { examples } from './help.js';
import { addFrom, addJson, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface GetOptions extends Pick<Given, 'from' | 'json'> {
  readonly folder: string;
  readonly keepArchive?: true;
}

/** `quantlab data list|get`: public speech corpora. */
export function addDataCommand(program: Command, terminal: Terminal): void {
  const data = program
    .command('data')
    .description('Public speech corpora: list them, get one')
    .addHelpText('after', examples('data list', 'data get an4 --folder speech'));

  declare(data.command('list'), addJson)
    .description('List the corpora that can be got, with size and licence')
    .addHelpText('after', examples('data list'))
    .action((options: { readonly json?: true }) => {
      const corpora = listCorpora();
      if (options.json) printJson(corpora, terminal);
      else {
        const rows = corpora.map((corpus) => [
          corpus.name,
          megabytes(corpus.archiveSizeBytes),
          corpus.hours,
          corpus.licence,
          corpus.title,
        ]);
        terminal.print(columns(['name', 'download', 'hours', 'licence', 'what it is'], rows));
      }
    });

  declare(data.command('get'), addFrom, addJson)
    .description('Download a corpus, check it, unpack it and write its manifests; goes on where it was stopped')
    .argument('<name>', `a name of \`quantlab data list\`, or a set of the package: ${PACKAGE_SETS.join(', ')}`)
    .option('--folder <folder>', 'where corpora lie, each in a folder of its name', 'speech')
    .option('--keep-archive', 'keep the archive beside the corpus')
    .addHelpText('after', examples('data get an4', 'data get mini-librispeech-dev-clean-2 --folder speech'))
    .action(async (name: string, options: GetOptions) => {
      if (isPackageSet(name)) {
        await getSet(name, options, terminal);
        return;
      }
      const progress = terminal.progress();
      const update = ({ stage, done, total }: CorpusProgress): void => progress.update(done, total ?? 0, stage);
      try {
        const { folder, manifests, wasThere } = await getCorpus(name, {
          folder: options.folder,
          keepArchive: options.keepArchive === true,
          progress: update,
          signal: terminal.signal,
        });
        progress.stop();
        if (options.json) printJson({ name, folder, manifests, wasThere }, terminal);
        else {
          terminal.print(`${name}: ${wasThere ? 'was there already' : 'ready'} in ${folder}\n`);
          for (const { path, utterances, durationS } of manifests) {
            terminal.print(`${path}: ${utterances} utterances, ${(durationS / 3600).toFixed(2)} h\n`);
          }
        }
      } finally {
        progress.stop();
      }
    });
}

/** The recordings of a set of the package, which npm does not bring. */
async function getSet(set: PackageSet, { from, json }: GetOptions, terminal: Terminal): Promise<void> {
  if (from === undefined) {
    throw new UsageError(
      `data get ${set}: --from was required, got none; give the folder or address of data/speech of the repository`,
    );
  }
  const progress = terminal.progress();
  try {
    const manifest = await getPackageSet(set, from, cacheFolder(), {
      progress: (done, total) => progress.update(done, total, 'recordings'),
      signal: terminal.signal,
    });
    progress.stop();
    if (json) printJson({ name: set, manifest }, terminal);
    else terminal.print(`${set}: ready in ${manifest}\n`);
  } finally {
    progress.stop();
  }
}
