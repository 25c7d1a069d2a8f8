// Driver and device names as they were seen: SwiftShader of Debian's chromium 156, Mesa 22.3, NVIDIA 550, Windows 11.
import { describe, expect, it } from 'vitest';
import { findImitation, readGraphics } from '../../src/process/graphics.js';

describe('findImitation', () => {
  it.each([
    ['an NVIDIA card', ['libGLX_nvidia.so.0'], ['/dev/nvidia0'], 'linux'],
    ['an Intel GPU beside lavapipe', ['libvulkan_intel.so', 'libvulkan_lvp.so'], ['/dev/dri/renderD128'], 'linux'],
    ['Direct3D on an NVIDIA card, with WARP loaded as well', ['nvwgf2umx.dll', 'd3d10warp.dll'], [], 'win32'],
    ['Metal', [], [], 'darwin'],
  ])('takes %s for a GPU', (_, drivers, devices, platform) => {
    expect(findImitation({ drivers, devices }, platform)).toBeNull();
  });

  it.each([
    ['SwiftShader', ['libvk_swiftshader.so'], [], 'linux', 'libvk_swiftshader.so'],
    [
      'lavapipe on a machine with no GPU for the other drivers',
      ['libvulkan_lvp.so', 'libvulkan_radeon.so'],
      [],
      'linux',
      'libvulkan_lvp.so',
    ],
    ['an unknown driver that opens no device', [], [], 'linux', 'no graphics device is open'],
    ['lavapipe that opened a display card', ['libvulkan_lvp.so'], ['/dev/dri/card0'], 'linux', 'libvulkan_lvp.so'],
    ['WARP', ['d3d10warp.dll'], [], 'win32', 'd3d10warp.dll'],
  ])('does not take %s for one', (_, drivers, devices, platform, named) => {
    expect(findImitation({ drivers, devices }, platform)).toBe(named);
  });

  it('sees no driver in a process that draws nothing', () => {
    expect(readGraphics().devices).toEqual([]);
    expect(findImitation(readGraphics(), 'linux')).not.toBeNull();
  });
});
