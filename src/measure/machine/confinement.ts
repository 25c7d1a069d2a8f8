import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readLine } from './frequency.js';

/** What stands between this process and the hardware. */
export interface Confinement {
  /** Who runs the virtual machine: `kvm`, `vmware`, `hyper-v`; `unknown` where one is there and has no name; `null` for none that is known of. */
  readonly hypervisor: string | null;
  /** `docker`, `podman`, `kubernetes`, `lxc`, `systemd-nspawn`; `null` for none that is known of. */
  readonly container: string | null;
  /** Processors that a control group grants (`cpu.max`, `cpu.cfs_quota_us`); `null` for no limit. */
  readonly cpuLimit: number | null;
  /** Memory that a control group grants, in bytes (`memory.max`, `memory.limit_in_bytes`); `null` for no limit. */
  readonly memoryLimitBytes: number | null;
}

/** Words in a machine's own description (DMI), and the hypervisor that writes them; systemd-detect-virt's table. */
const DMI_WORDS: readonly (readonly [string, string])[] = [
  ['KVM', 'kvm'],
  ['OpenStack', 'kvm'],
  ['KubeVirt', 'kvm'],
  ['Amazon EC2', 'amazon'],
  ['Google Compute Engine', 'google'],
  ['QEMU', 'qemu'],
  ['VMware', 'vmware'],
  ['VMW', 'vmware'],
  ['innotek GmbH', 'oracle'],
  ['VirtualBox', 'oracle'],
  ['Xen', 'xen'],
  ['Parallels', 'parallels'],
  ['BHYVE', 'bhyve'],
  ['Hyper-V', 'hyper-v'],
  ['Apple Virtualization', 'apple'],
];

const DMI_FILES = ['product_name', 'sys_vendor', 'board_vendor', 'bios_vendor', 'product_version'] as const;

/** Words in the names of the first process's control groups. */
const GROUP_WORDS: readonly (readonly [RegExp, string])[] = [
  [/kubepods/, 'kubernetes'],
  [/docker/, 'docker'],
  [/libpod/, 'podman'],
  [/\blxc\b/, 'lxc'],
  [/containerd|cri-/, 'containerd'],
];

/** Version 1 says "no limit" by the largest multiple of the page size; nothing near it is meant. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * Reads whether this process runs in a virtual machine or container, and how much it is granted.
 *
 * @param root - root of the file system
 * @param environment - variables of this process
 */
export function readConfinement(
  root = '/',
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Confinement {
  return {
    hypervisor: readHypervisor(root),
    container: readContainer(root, environment),
    ...readLimits(root),
  };
}

function readHypervisor(root: string): string | null {
  const dmi = join(root, 'sys/class/dmi/id');
  const words = DMI_FILES.flatMap((name) => readLine(join(dmi, name)) ?? []);
  // Microsoft's own computers bear its name, too.
  if (words.includes('Microsoft Corporation') && words.includes('Virtual Machine')) return 'hyper-v';
  const told = DMI_WORDS.find(([word]) => words.some((text) => text.startsWith(word)))?.[1];
  if (told !== undefined) return told;
  const type = readLine(join(root, 'sys/hypervisor/type'));
  if (type !== null) return type;
  const compatible = readLine(join(root, 'proc/device-tree/hypervisor/compatible'));
  if (compatible !== null) return compatible.replaceAll('\0', '').replace(/^linux,/, '');
  const flags = /^flags\s*:(.*)$/m.exec(readLine(join(root, 'proc/cpuinfo')) ?? '')?.[1] ?? '';
  return flags.split(/\s+/).includes('hypervisor') ? 'unknown' : null;
}

function readContainer(root: string, environment: Readonly<Record<string, string | undefined>>): string | null {
  if (environment['KUBERNETES_SERVICE_HOST']) return 'kubernetes';
  if (existsSync(join(root, '.dockerenv'))) return 'docker';
  if (existsSync(join(root, 'run/.containerenv'))) return 'podman';
  const named = readLine(join(root, 'run/systemd/container'));
  if (named !== null) return named;
  const groups = readLine(join(root, 'proc/1/cgroup')) ?? '';
  return GROUP_WORDS.find(([word]) => word.test(groups))?.[1] ?? null;
}

function readLimits(root: string): Pick<Confinement, 'cpuLimit' | 'memoryLimitBytes'> {
  const groups = parseGroups(readLine(join(root, 'proc/self/cgroup')) ?? '');
  const mount = join(root, 'sys/fs/cgroup');
  const unified = groups.get('');
  const places = (controller: string): readonly string[] => [
    ...(unified === undefined ? [] : upwards(mount, unified)),
    ...upwards(join(mount, controller), groups.get(controller) ?? '/'),
  ];
  return {
    cpuLimit: least(places('cpu').map(cpuLimitIn)),
    memoryLimitBytes: least(places('memory').map(memoryLimitIn)),
  };
}

/** Path of this process's group by controller; that of version 2 under the empty name. */
function parseGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(',') ?? []) groups.set(controller, path ?? '/');
  }
  return groups;
}

/** A group and those above it: the tightest limit counts. In a container the path may be the host's and not be there. */
function upwards(mount: string, path: string): readonly string[] {
  const places: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    places.push(join(mount, at));
    if (dirname(at) === at) return places;
  }
}

function cpuLimitIn(group: string): number | null {
  const [quota, period] = readLine(join(group, 'cpu.max'))?.split(/\s+/) ?? [
    readLine(join(group, 'cpu.cfs_quota_us')),
    readLine(join(group, 'cpu.cfs_period_us')),
  ];
  const limit = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return Number.isFinite(limit) && limit > 0 ? limit : null;
}

function memoryLimitIn(group: string): number | null {
  const text = readLine(join(group, 'memory.max')) ?? readLine(join(group, 'memory.limit_in_bytes'));
  const limit = Number(text ?? Number.NaN);
  return Number.isFinite(limit) && limit < NO_LIMIT_BYTES ? limit : null;
}

function least(values: readonly (number | null)[]): number | null {
  const limits = values.filter((value) => value !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
