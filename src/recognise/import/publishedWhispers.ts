import type { WantedFile } from '../../speech/corpora/getFile.js';

/** A Whisper that OpenAI published at Hugging Face. */
export interface PublishedWhisper {
  readonly repository: string;
  /** A commit: what it names never changes. */
  readonly revision: string;
  readonly files: readonly WantedFile[];
}

/** Digests (SHA-256) of a file's bytes; `null` where none could be confirmed: then the commit alone says what is got. */
interface Digests {
  readonly revision: string;
  readonly config: string | null;
  readonly generation: string;
  readonly tokenizer: string | null;
  readonly weights: readonly [sha256: string, sizeBytes: number];
}

/** Tokenizers of the English-only models, and of those of 99 languages. */
const ENGLISH = '5eb60cec1e77aeeb6869a2bb5a8e01a84c3fe5d072d75369343021fe6f5310d0';
const MULTILINGUAL = '27fc476bfe7f17299480be2273fc0608e4d5a99aba2ab5dec5374b4482d1a566';

/**
 * By id. Commits and digests are those that programs pin which load the same files, each found in two of them that are independent
 * of each other, but for the weights of medium.en, which one names.
 */
const DIGESTS: Readonly<Record<string, Digests>> = {
  'whisper-tiny': {
    revision: '169d4a4341b33bc18d8881c4b69c2e104e1cc0af',
    config: 'ffdccec4f3211f4c63310f2b7098f309fe70f3952cedc5e4d11e43f5b2379b98',
    generation: 'a5d5325911f16e74001a72fa13d6e208eee51548f994646de1f4b4cc8b35b512',
    tokenizer: MULTILINGUAL,
    weights: ['7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395', 151_061_672],
  },
  'whisper-tiny.en': {
    revision: '87c7102498dcde7456f24cfd30239ca606ed9063',
    config: 'b5366317df280f79e6cc366f259f379674f81a8721d458acf2e00680ccb10b1d',
    generation: '38744c19d5cede6ff4dab5079c6d6ddc02ca726960bbef208fb602ad5a030eab',
    tokenizer: ENGLISH,
    weights: ['db59695928ded6043adaef491a53ef4e12da9611184d77c53baa691a60b958ad', 151_060_136],
  },
  'whisper-base': {
    revision: 'e37978b90ca9030d5170a5c07aadb050351a65bb',
    config: 'a153c53883a6799b6f056b4a8d1a515c9926d03994682ba88a7616618d7da0c1',
    generation: '444b3f636d2fff89dd9ecf549e2a085b61f7ff0fa0246d4628bac6a3b8cc9ba4',
    tokenizer: MULTILINGUAL,
    weights: ['07cadb9f25677c8d50df603e66a98fbd842cce45047139baeb16e6219a1e807b', 290_403_936],
  },
  'whisper-base.en': {
    revision: '911407f4214e0e1d82085af863093ec0b66f9cd6',
    config: '160c1df40a60d4ef5a6014d536fd845c33aabfd1f318458ac7f87cfe91ebbe76',
    generation: 'c5750f05d94777579e00ce26ef65e5d87c108439f90e3ac519df2587b9d5d41f',
    tokenizer: ENGLISH,
    weights: ['d4dd5542fd6a1d35639e21384238f3bfe6c557c849d392b5905d33ee29e71db5', 290_401_888],
  },
  'whisper-small': {
    revision: '973afd24965f72e36ca33b3055d56a652f456b4d',
    config: 'e6a2b489da1b5aed65a8eb8d1e7466fa867ad5643a8bc138ba708bd56b2875c4',
    generation: '71565b8ef50d0bf7a1193ed4bbed195b94e70c18894d81bba2f1233dcec3ab53',
    tokenizer: MULTILINGUAL,
    weights: ['1d7734884874f1a1513ed9aa760a4f8e97aaa02fd6d93a3a85d27b2ae9ca596b', 966_995_080],
  },
  'whisper-small.en': {
    revision: 'e8727524f962ee844a7319d92be39ac1bd25655a',
    config: '3441094addfb2a31ef62ea117e95bd6e437bbad8e93d3697fe420a4a6d3603a5',
    generation: 'aad4e18c0fb1d063c5b38b4080cec3c4c8cdfff95e1de4797013470654a5a72a',
    tokenizer: ENGLISH,
    weights: ['6014ac49b506df900f66f4aca6b0801eed7245594ace97bcaf73e0ae5b863066', 966_992_008],
  },
  'whisper-medium': {
    revision: 'abdf7c39ab9d0397620ccaea8974cc764cd0953e',
    config: '18706810eb740d1dc54d1db181358d5f8578600d0f449e51dfd4798c0223a1f5',
    generation: '503290bc2da3923915d96a96ab96ddaa76e7ea18fbd4c5c1822a2947c82c86db',
    tokenizer: MULTILINGUAL,
    weights: ['62f73550fa6db24b0c6f6c5962bd0dae80fa644e93cde9cd9c3792971b47fd28', 3_055_544_304],
  },
  'whisper-medium.en': {
    revision: '2e98eb6279edf5095af0c8dedb36bdec0acd172b',
    config: null,
    generation: '6f73a0ac0b2388ebe86bc4430db58a6292cbe835fc50009d5d74e8bb096ef5dc',
    tokenizer: null,
    weights: ['8f731340f569588236c21f794c33e83b7cc5a297511d2bdc30117ea969004311', 3_055_540_208],
  },
  'whisper-large-v3': {
    revision: '06f233fe06e710322aca913c1bc4249a0d71fce1',
    config: 'ad0e8d1e46f4d01f7861a21509e5d0f977d6cc1f367a370603c92541d819807b',
    generation: 'fbdfa70135de9b1d31553393f14e80aaeb1936ea36576b2ba864055943c09d23',
    tokenizer: '6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca',
    weights: ['a8e94b85976e5864ba3e9525c7e6c83b2a1eca42d4b797a0c7c24d778e40fd95', 3_087_130_976],
  },
  'whisper-large-v3-turbo': {
    revision: '41f01f3fe87f28c78e2fbf8b568835947dd65ed9',
    config: 'c5b526b3e3cd64cd8940dabb45e8ba726629e22d8ed389c29b552f9140daf04a',
    generation: 'cce11bfe3aaa6ae9e072ea2637caaec8795e68d9b67e655a5af16ee509681a4c',
    tokenizer: '297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd',
    weights: ['542566a422ae4f3fd23f1ba11add198fca01bbf82e66e6a2857b3f608b1eb9d1', 1_617_824_864],
  },
};

/** What `openai-whisper` calls the newest of the fast ones. */
const ALIASES: Readonly<Record<string, string>> = { 'whisper-turbo': 'whisper-large-v3-turbo' };

/** The ids of the Whispers that can be got. */
export const PUBLISHED_WHISPERS: readonly string[] = [...Object.keys(DIGESTS), ...Object.keys(ALIASES)];

/**
 * A Whisper of OpenAI's by its id.
 *
 * @returns `undefined` for another id
 */
export function publishedWhisper(id: string): PublishedWhisper | undefined {
  const name = Object.hasOwn(ALIASES, id) ? (ALIASES[id] ?? id) : id;
  const digests = Object.hasOwn(DIGESTS, name) ? DIGESTS[name] : undefined;
  if (digests === undefined) return undefined;
  const { revision, config, generation, tokenizer, weights } = digests;
  const file = (path: string, value: string | null, sizeBytes?: number): WantedFile => ({
    path,
    checksum: value === null ? null : { algorithm: 'sha256', value },
    ...(sizeBytes !== undefined && { sizeBytes }),
  });
  return {
    repository: `openai/${name}`,
    revision,
    files: [
      file('config.json', config),
      file('generation_config.json', generation),
      file('tokenizer.json', tokenizer),
      file('model.safetensors', ...weights),
    ],
  };
}
