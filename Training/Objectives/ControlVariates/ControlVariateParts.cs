using GumbelGan.Discriminators;
using GumbelGan.Generators;
using GumbelGan.Randomness;
using static TorchSharp.torch;

namespace GumbelGan.Training.Objectives.ControlVariates;

/// <summary>What a control variate is made from; it owns none of it.</summary>
/// <param name="Generator">Whose states and tokens it reads.</param>
/// <param name="Discriminator">Who rewards, frozen where it is asked.</param>
/// <param name="Reward">The reward of scores, smooth; null where the reward is no function of the score.</param>
/// <param name="Options">Of the run.</param>
/// <param name="Initialisation">Keys its weights.</param>
public sealed record ControlVariateParts(
    IGenerator Generator, Discriminator Discriminator, Func<Tensor, Tensor>? Reward, ControlVariateOptions Options, RandomKey Initialisation);
