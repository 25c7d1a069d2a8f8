// Files as Linux 5 and 6 show them: a Docker container with `--cpus 1.5 --memory 512m` under either version of control
// groups, a Kubernetes pod, a cloud machine's DMI. Names of hypervisors: systemd-detect-virt (systemd 252).
import { describe, expect, it } from 'vitest';
import { readConfinement } from '../../../src/measure/machine/confinement.js';
import { systemTree } from '../systemTree.js';

const NOTHING = { hypervisor: null, container: null, cpuLimit: null, memoryLimitBytes: null };

describe('readConfinement', () => {
  it('knows a bare machine', async () => {
    const root = await systemTree({
      'proc/self/cgroup': '0::/user.slice/user-1000.slice/session-1.scope',
      'proc/1/cgroup': '0::/init.scope',
      'proc/cpuinfo': 'flags\t\t: fpu avx2',
      'sys/class/dmi/id/sys_vendor': 'ASUS',
      'sys/fs/cgroup/user.slice/cpu.max': 'max 100000',
      'sys/fs/cgroup/user.slice/memory.max': 'max',
    });
    expect(readConfinement(root, {})).toEqual(NOTHING);
    expect(readConfinement(await systemTree({}), {})).toEqual(NOTHING);
  });

  it('reads version 2, and takes the tightest of the groups above', async () => {
    const root = await systemTree({
      '.dockerenv': '',
      'proc/self/cgroup': '0::/outer/inner',
      'sys/fs/cgroup/outer/cpu.max': '150000 100000',
      'sys/fs/cgroup/outer/memory.max': 'max',
      'sys/fs/cgroup/outer/inner/cpu.max': '400000 100000',
      'sys/fs/cgroup/outer/inner/memory.max': '536870912',
    });
    expect(readConfinement(root, {})).toEqual({
      hypervisor: null,
      container: 'docker',
      cpuLimit: 1.5,
      memoryLimitBytes: 536_870_912,
    });
  });

  it('reads version 2 inside a container, where the path is the root of its own', async () => {
    const root = await systemTree({
      'proc/self/cgroup': '0::/',
      'sys/fs/cgroup/cpu.max': '50000 100000',
      'sys/fs/cgroup/memory.max': '268435456',
    });
    expect(readConfinement(root, {})).toMatchObject({ cpuLimit: 0.5, memoryLimitBytes: 268_435_456 });
  });

  it('reads version 1, also where the path is the host’s and not there', async () => {
    const root = await systemTree({
      'proc/self/cgroup': '4:memory:/docker/0123abcd\n2:cpu,cpuacct:/docker/0123abcd\n1:name=systemd:/docker/0123abcd',
      'proc/1/cgroup': '4:memory:/docker/0123abcd',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '150000',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '536870912',
    });
    expect(readConfinement(root, {})).toMatchObject({
      container: 'docker',
      cpuLimit: 1.5,
      memoryLimitBytes: 536_870_912,
    });
  });

  it('knows version 1’s way of saying no limit', async () => {
    const root = await systemTree({
      'proc/self/cgroup': '4:memory:/\n2:cpu:/\n0::/',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    });
    expect(readConfinement(root, {})).toEqual(NOTHING);
  });

  it.each([
    [{ 'sys/class/dmi/id/sys_vendor': 'QEMU' }, 'qemu'],
    [{ 'sys/class/dmi/id/product_name': 'KVM' }, 'kvm'],
    [{ 'sys/class/dmi/id/sys_vendor': 'Amazon EC2', 'sys/class/dmi/id/product_name': 'm7i.large' }, 'amazon'],
    [{ 'sys/class/dmi/id/product_name': 'Google Compute Engine' }, 'google'],
    [
      { 'sys/class/dmi/id/sys_vendor': 'Microsoft Corporation', 'sys/class/dmi/id/product_name': 'Virtual Machine' },
      'hyper-v',
    ],
    [{ 'sys/class/dmi/id/sys_vendor': 'Microsoft Corporation', 'sys/class/dmi/id/product_name': 'Surface Pro' }, null],
    [{ 'sys/class/dmi/id/sys_vendor': 'VMware, Inc.' }, 'vmware'],
    [{ 'sys/hypervisor/type': 'xen' }, 'xen'],
    [{ 'proc/device-tree/hypervisor/compatible': 'linux,kvm' }, 'kvm'],
    [{ 'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu hypervisor avx2' }, 'unknown'],
  ] as const)('names the hypervisor of %o: %s', async (files, hypervisor) => {
    expect(readConfinement(await systemTree(files), {}).hypervisor).toBe(hypervisor);
  });

  it.each([
    [{ 'run/.containerenv': 'engine="podman-4"' }, {}, 'podman'],
    [{ 'run/systemd/container': 'systemd-nspawn' }, {}, 'systemd-nspawn'],
    [{ 'proc/1/cgroup': '0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-1.scope' }, {}, 'kubernetes'],
    [{ 'proc/1/cgroup': '1:name=systemd:/lxc/web' }, {}, 'lxc'],
    [{ '.dockerenv': '' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'kubernetes'],
  ] as const)('names the container of %o and %o: %s', async (files, variables, container) => {
    expect(readConfinement(await systemTree(files), variables).container).toBe(container);
  });
});
