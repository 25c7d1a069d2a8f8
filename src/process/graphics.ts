import { readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { GraphicsTraces } from './protocol.js';

/** Drivers that draw on the processor: SwiftShader, Mesa's lavapipe, Microsoft's WARP. */
const SOFTWARE_DRIVER = /vk_swiftshader|libvulkan_lvp|llvmpipe|d3d10warp/i;

/** Any driver of Vulkan or Direct3D that may be loaded in a process. */
const DRIVER =
  /vk_swiftshader|libvulkan_|llvmpipe|d3d10warp|libGLX_nvidia|libnvidia-|nvoglv|nvwgf2|nvldumd|amdvlk|amdxc|amdxx|amdvlk|igvk|igd1|igc64|libVkICD|libMoltenVK|libpowervr|libmali|qcdx/i;

/** Device files that a driver of a real GPU holds open on Linux, WSL and Android. */
const DEVICE = /^\/dev\/(?:dri\/(?:renderD|card)\d+|nvidia\d+|dxg|kfd|mali\d+|kgsl-3d\d+)$/;

/** Reads which graphics drivers this process has loaded, and which graphics devices it holds open. */
export function readGraphics(): GraphicsTraces {
  const report = process.report?.getReport() as { sharedObjects?: readonly string[] } | undefined;
  const drivers = (report?.sharedObjects ?? []).map((path) => basename(path.replaceAll('\\', '/')));
  return { drivers: [...new Set(drivers.filter((name) => DRIVER.test(name)))], devices: openDevices() };
}

function openDevices(): string[] {
  const folder = '/proc/self/fd';
  const devices = new Set<string>();
  try {
    for (const descriptor of readdirSync(folder)) {
      try {
        const target = readlinkSync(`${folder}/${descriptor}`);
        if (DEVICE.test(target)) devices.add(target);
      } catch {
        // Closed in the meantime: the listing itself opened one.
      }
    }
  } catch {
    // Not Linux: drivers are all there is to go by.
  }
  return [...devices].sort();
}

/**
 * Tells a GPU from a program that imitates one. Times of the latter must never be shown as a GPU's.
 *
 * On Linux a driver of a GPU holds its device file open, which no imitation does; several drivers may be loaded at once.
 * Elsewhere only the loaded drivers tell. CUDA has no imitation, and macOS' Metal none that a program meets.
 *
 * @param traces - of the process, after the session was made
 * @param platform - as `process.platform`
 * @returns `null` for a GPU, else what stands in its place
 */
export function findImitation(traces: GraphicsTraces, platform: string): string | null {
  const imitations = traces.drivers.filter((name) => SOFTWARE_DRIVER.test(name));
  const real = traces.drivers.filter((name) => !SOFTWARE_DRIVER.test(name));
  const named = imitations.length > 0 ? imitations.join(', ') : 'no graphics device is open';
  if (platform === 'darwin') return null;
  if (platform === 'linux' && traces.devices.length === 0) return named;
  return imitations.length > 0 && real.length === 0 ? named : null;
}
