// Messages as onnxruntime-node 1.30.0 gives them on a machine without a GPU.
import { describe, expect, it } from 'vitest';
import { explainProviderError } from '../../../src/recognise/session/session.js';

describe('explainProviderError', () => {
  it('says that CUDA is not installed', () => {
    const message = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
    expect(explainProviderError('cuda', message)).toBe(
      'its library or one that it needs (CUDA 12, cuDNN 9) is not installed (Failed to load shared library)',
    );
  });

  it('says that there is no driver', () => {
    const place =
      '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> adapter_result.status == wgpu::RequestAdapterStatus::Success was false. ';
    expect(explainProviderError('webgpu', `${place}Failed to get a WebGPU adapter: No supported adapters\n\n`)).toBe(
      'no graphics driver answered (Failed to get a WebGPU adapter: No supported adapters)',
    );
    expect(explainProviderError('cuda', 'CUDA failure 35: CUDA driver version is insufficient')).toMatch(
      /^no NVIDIA driver answered \(CUDA failure 35/,
    );
  });

  it('passes on what it does not know', () => {
    expect(explainProviderError('webgpu', 'out of memory\nsecond line')).toBe('it did not start (out of memory)');
  });
});
