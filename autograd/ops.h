// The whole differentiable vocabulary.
#pragma once

#include <heed/autograd/activations.h>
#include <heed/autograd/create.h>
#include <heed/autograd/dropout.h>
#include <heed/autograd/einsum.h>
#include <heed/autograd/elementwise.h>
#include <heed/autograd/hooks.h>
#include <heed/autograd/indexing.h>
#include <heed/autograd/linalg.h>
#include <heed/autograd/reduce.h>
#include <heed/autograd/rows.h>
#include <heed/autograd/sort.h>
#include <heed/autograd/views.h>
#include <heed/autograd/where.h>
