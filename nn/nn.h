// Everything in nn/, and the tensors it works on.
#pragma once

#include <heed/autograd/engine.h>
#include <heed/autograd/ops.h>
#include <heed/nn/activations.h>
#include <heed/nn/attention.h>
#include <heed/nn/attention_trace.h>
#include <heed/nn/checkpoint.h>
#include <heed/nn/clone.h>
#include <heed/nn/dropout.h>
#include <heed/nn/embedding.h>
#include <heed/nn/feed_forward.h>
#include <heed/nn/fused_attention.h>
#include <heed/nn/gpt.h>
#include <heed/nn/init.h>
#include <heed/nn/kernel_regression.h>
#include <heed/nn/kernels.h>
#include <heed/nn/linear.h>
#include <heed/nn/losses.h>
#include <heed/nn/masks.h>
#include <heed/nn/multi_head_attention.h>
#include <heed/nn/norm.h>
#include <heed/nn/positions.h>
#include <heed/nn/scores.h>
#include <heed/nn/sequential.h>
#include <heed/nn/summary.h>
#include <heed/nn/transformer.h>
