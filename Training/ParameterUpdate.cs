using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace GumbelGan.Training;

/// <summary>What became of an update.</summary>
/// <param name="IsFinite">False where the loss or the gradient was no finite number, and nothing was changed.</param>
/// <param name="GradientNorm">Joint Euclidean norm before clipping.</param>
internal readonly record struct ParameterUpdate(bool IsFinite, double GradientNorm)
{
    /// <summary>Backward, clip, step.</summary>
    /// <param name="optimizer">Of the parameters of <paramref name="module"/>.</param>
    /// <param name="module">What learns.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="clipNorm">Gradients are scaled down to this joint norm.</param>
    public static ParameterUpdate Apply(Adam optimizer, nn.Module module, Tensor loss, double clipNorm)
    {
        module.zero_grad();
        loss.backward();
        double norm = nn.utils.clip_grad_norm_(module.parameters(), clipNorm);
        bool isFinite = double.IsFinite(norm) && float.IsFinite(loss.item<float>());
        if (isFinite)
        {
            optimizer.step();
        }

        return new ParameterUpdate(isFinite, norm);
    }

    /// <summary>Gives every group of <paramref name="optimizer"/> the same step size.</summary>
    public static void SetLearningRate(Adam optimizer, double learningRate)
    {
        foreach (optim.ILearningRateController group in optimizer.ParamGroups)
        {
            group.LearningRate = learningRate;
        }
    }

    /// <summary>Whether every weight of <paramref name="module"/> is a finite number.</summary>
    public static bool AreWeightsFinite(nn.Module module)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable off = no_grad();
        return module.parameters().All(parameter => float.IsFinite(parameter.abs().max().item<float>()));
    }
}
