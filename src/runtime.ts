/** The only door to ONNX Runtime: whoever comes through it has telemetry turned off before the library is loaded. */
import './telemetry.js';

export { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
