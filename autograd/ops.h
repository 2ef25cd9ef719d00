// All differentiable ops.
#pragma once

#include <heed/autograd/hooks.h>
#include <heed/autograd/ops/activations.h>
#include <heed/autograd/ops/comparison.h>
#include <heed/autograd/ops/create.h>
#include <heed/autograd/ops/dropout.h>
#include <heed/autograd/ops/einsum.h>
#include <heed/autograd/ops/elementwise.h>
#include <heed/autograd/ops/indexing.h>
#include <heed/autograd/ops/linalg.h>
#include <heed/autograd/ops/multinomial.h>
#include <heed/autograd/ops/norm.h>
#include <heed/autograd/ops/reduce.h>
#include <heed/autograd/ops/softmax.h>
#include <heed/autograd/ops/sort.h>
#include <heed/autograd/ops/views.h>
