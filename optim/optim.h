// Everything that learns: optimizers, schedules, clipping.
#pragma once

#include <heed/optim/adagrad.h>
#include <heed/optim/adam.h>
#include <heed/optim/clip.h>
#include <heed/optim/plateau.h>
#include <heed/optim/rmsprop.h>
#include <heed/optim/schedule.h>
#include <heed/optim/sgd.h>
